// Which keys a person wants: emacs's or vi's.
#pragma once

#include <string>
#include <string_view>

#include "xlstm/apps/editor/editor.h"

namespace xlstm::apps {

// What the settings of the usual libraries say, the last line that says something: `bind -v` and
// `bind -e` in $EDITRC or ~/.editrc (libedit; lines for other programs, "name:", do not count),
// `set editing-mode vi` and `emacs` in $INPUTRC or ~/.inputrc (readline). The former file wins.
EditMode edit_mode();

// The same from the files' contents.
EditMode edit_mode_of(std::string_view editrc, std::string_view inputrc);

}  // namespace xlstm::apps
