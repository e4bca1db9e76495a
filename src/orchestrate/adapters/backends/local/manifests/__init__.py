"""Files that declare what a project is and depends on, read without running anything."""
