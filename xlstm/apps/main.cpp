// The command line program `xlstm`.
#include "xlstm/apps/program.h"

int main(int argc, char** argv) {
  return xlstm::apps::run_program(argc, argv);
}
