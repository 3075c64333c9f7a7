// Standard input and output, and files that hold a text.
#pragma once

#include <cstddef>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

namespace xlstm::apps {

// Writes to standard output. False when nobody reads it any more (a closed pipe, a terminal that
// hung up): the program then ends quietly; and after Ctrl-C, when what nobody had taken yet was
// dropped. Throws Error(kFile) for other failures, a full disk say.
bool write_out(std::string_view text);

// Flushes what was written; errors as write_out.
bool flush_out();

// Whether an interrupt dropped a part of the output.
bool output_was_truncated();

// Writes to standard error, failures ignored.
void write_note(std::string_view text);

// All of a file, or of standard input for "-". Throws Error: kFile, kFormat for more than `most`
// bytes; Interrupted after Ctrl-C.
std::string read_all(const std::string& file,
                     std::size_t most = std::numeric_limits<std::size_t>::max());

// One read() that waits for bytes or the end, 0 then. Throws as read_all does; `name` is for
// messages.
std::size_t read_block(int descriptor, char* into, std::size_t size, const std::string& name);

// The name of read_all's source for messages: the file, or "standard input".
std::string source_name(const std::string& file);

// The next line of standard input without its line end ("\n" or "\r\n"); nullopt at the end, or
// where the terminal hung up. Throws as read_all does.
std::optional<std::string> read_line();

// `text` without the one line end that editors and echo put last.
std::string without_last_line_end(std::string text);

}  // namespace xlstm::apps
