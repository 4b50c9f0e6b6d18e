// Who else is here, claiming, snoozing.
"use strict";
