// Internal notes and mentions.
"use strict";
