// Pictures on their way out.
"use strict";
