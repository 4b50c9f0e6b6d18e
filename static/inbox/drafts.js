// Drafts on the server.
"use strict";
