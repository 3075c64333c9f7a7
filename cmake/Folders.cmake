# xlstm_add_folder(NAME SOURCES a.cpp ... [FOLDERS base weights ...] [LINK pkg ...])
# makes the static library xlstm_NAME from one folder of xlstm/. FOLDERS are the folders it may
# include (scripts/check_layers.py checks the same rule on the text); LINK are outside libraries.
function(xlstm_add_folder NAME)
  cmake_parse_arguments(ARG "" "" "SOURCES;FOLDERS;LINK;LINK_PRIVATE" ${ARGN})
  add_library(xlstm_${NAME} STATIC ${ARG_SOURCES})
  target_include_directories(xlstm_${NAME} PUBLIC "${PROJECT_SOURCE_DIR}")
  list(TRANSFORM ARG_FOLDERS PREPEND xlstm_)
  target_link_libraries(xlstm_${NAME} PUBLIC ${ARG_FOLDERS} ${ARG_LINK} PRIVATE ${ARG_LINK_PRIVATE})
endfunction()

# xlstm_add_tests(FOLDER FILES a_test.cpp ... [FOLDERS generate ...] [LINK ...])
# makes one GoogleTest program tests_FOLDER from the files of tests/FOLDER; each of its tests is a
# CTest test of its own, which finds the test data through XLSTM_TEST_DATA.
function(xlstm_add_tests NAME)
  cmake_parse_arguments(ARG "" "" "FILES;FOLDERS;LINK" ${ARGN})
  list(TRANSFORM ARG_FOLDERS PREPEND xlstm_)
  add_executable(tests_${NAME} ${ARG_FILES})
  target_link_libraries(tests_${NAME} PRIVATE ${ARG_FOLDERS} ${ARG_LINK} GTest::gtest GTest::gmock
                                              GTest::gtest_main)
  # The time to build a test is worth more than the time that it takes.
  target_compile_options(tests_${NAME} PRIVATE $<$<CONFIG:Release>:-O1>)
  target_compile_definitions(
    tests_${NAME} PRIVATE XLSTM_SOURCE_DIR="${PROJECT_SOURCE_DIR}"
                          XLSTM_TEST_DATA="${PROJECT_SOURCE_DIR}/tests/data")
  # Values of parameters may hold addresses: a test is named by its index or its own name alone.
  gtest_discover_tests(tests_${NAME} TEST_PREFIX "${NAME}." NO_PRETTY_VALUES DISCOVERY_TIMEOUT 300
                       PROPERTIES LABELS "${NAME}" TIMEOUT 600)
endfunction()
