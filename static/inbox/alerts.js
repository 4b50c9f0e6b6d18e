// Sound and notifications of the browser.
"use strict";
