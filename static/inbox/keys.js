// Everything by keyboard: shortcuts, the command palette, focus.
"use strict";
