// The contact card: quick edit, timeline.
"use strict";
