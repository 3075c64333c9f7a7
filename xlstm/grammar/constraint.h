// What a sequence may carry to restrict its answer: it is asked before each token which may come,
// and told which one came.
#pragma once

#include <memory>
#include <string>

#include "xlstm/grammar/token_mask.h"
#include "xlstm/text/tokenizer.h"

namespace xlstm {

// Knows the answer so far, from its first token on; end tokens are no part of it: whether they may
// come, may_end() says. Where allow() leaves no token and the answer may not end, whoever generates
// raises an error with where(); where it may end and nothing else may come, the answer is complete.
//
// One sequence uses an object from one thread at a time. Clones may be used by others at that time.
class Constraint {
 public:
  virtual ~Constraint() = default;

  // One that goes on from the same place, for a fork of the sequence.
  virtual std::unique_ptr<Constraint> clone() const = 0;

  // Sets exactly the ids that may come next, end tokens aside; what was set before is cleared.
  // Wants a mask of the V that the constraint was made for: Error(kUsage) otherwise.
  virtual void allow(TokenMask& mask) = 0;

  // `id` was chosen. Error(kUsage), with where(), if it may not come; nothing has changed then.
  virtual void accept(TokenId id) = 0;

  // Whether the answer so far is complete.
  virtual bool may_end() const = 0;

  // For messages: the last of the answer's text and what may follow it:
  // `after "[1, 2" (6 bytes): a digit, ',' or ']'`.
  virtual std::string where() const = 0;

 protected:
  Constraint() = default;
  Constraint(const Constraint&) = default;
  Constraint& operator=(const Constraint&) = default;
};

}  // namespace xlstm
