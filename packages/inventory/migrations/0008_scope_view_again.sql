-- What was known of scopes before 0004 lacks limits and exemptions, and their versions would keep it so until each scope changes
-- again: every row is taken in anew, by the next caller who brings it or by the pages of the owner.
update inventory.scope_view set version = 0;
