-- Version 4.

PRAGMA user_version = 4;
