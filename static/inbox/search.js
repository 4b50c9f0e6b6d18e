// Hits of a search in the list and in the thread.
"use strict";
