# What cmake --install gives: see docs/install.md.
