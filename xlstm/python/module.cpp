// The module xlstm_metal._native: the engine as Python sees it. What people use is written in
// Python above it (python/xlstm_metal/).
#include "xlstm/python/bind.h"

NB_MODULE(_native, m) {
  m.doc() = "The C++ engine of xlstm_metal; internal, use xlstm_metal itself";
  // As the interpreter ends, threads that compute keep what they use: no fault to tell people of.
  nanobind::set_leak_warnings(false);
  m.def("set_leak_warnings", &nanobind::set_leak_warnings, nanobind::arg("on"));
  xlstm::python::bind_errors();
  xlstm::python::bind_arrays(m);
  xlstm::python::bind_tokenizer(m);
  xlstm::python::bind_engine(m);
  xlstm::python::bind_state(m);
  xlstm::python::bind_request(m);
  xlstm::python::bind_answers(m);
  xlstm::python::bind_batch(m);
  xlstm::python::bind_forecaster(m);
}
