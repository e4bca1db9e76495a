"""Code hosts through the programs their users have, and the remote a branch is pushed to."""
