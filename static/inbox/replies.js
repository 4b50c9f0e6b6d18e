// Saved replies and emoji.
"use strict";
