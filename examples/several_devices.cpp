// A model divided among GPUs, or among processes of one CPU:
//
//   mpirun -np 2 several_devices [model]
//
// Without mpirun it runs alone. Every process makes the same calls; the first one writes.
#include <iostream>

#include "xlstm/base/error.h"
#include "xlstm/engine/engine.h"
#include "xlstm/group/group.h"

int main(int argc, char** argv) try {
  const auto place = xlstm::rendezvous_from_environment();  // what mpirun says; none: alone
  xlstm::EngineOptions options;
  if (place) options.group = xlstm::Group::join(*place);
  const auto engine = xlstm::Engine::open(argc > 1 ? argv[1] : "classics-8m", options);

  const bool writes = !place || place->rank == 0;
  engine.complete({.prompt = "It was a dark and stormy night, and", .temperature = 0},
                  [writes](std::string_view text) {
                    if (writes) std::cout << text << std::flush;
                    return true;
                  });
  if (writes) std::cout << "\n";
} catch (const xlstm::Error& error) {
  std::cerr << error.what() << "\n";
  return 1;
}
