# One static library for each folder of xlstm/, which sees and links what xlstm/folders.txt lets it use.
set(XLSTM_FOLDERS_FILE "${PROJECT_SOURCE_DIR}/xlstm/folders.txt")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${XLSTM_FOLDERS_FILE}")

# XLSTM_FOLDERS: the folders that exist, bottom up. Of each, XLSTM_INCLUDES_<folder>: those that it may
# include; XLSTM_SEES_<folder>: these, and what their headers may include; XLSTM_MLX_<folder>: yes or no.
file(STRINGS "${XLSTM_FOLDERS_FILE}" _rows REGEX "^[a-z]")
set(XLSTM_FOLDERS)
foreach(_row IN LISTS _rows)
  string(REGEX REPLACE "[ \t]+" ";" _row "${_row}")
  list(POP_FRONT _row _folder _level _mlx)
  if(IS_DIRECTORY "${PROJECT_SOURCE_DIR}/xlstm/${_folder}")
    set(XLSTM_MLX_${_folder} ${_mlx})
    set(XLSTM_INCLUDES_${_folder})
    foreach(_other IN LISTS _row)
      if(_other IN_LIST XLSTM_FOLDERS)
        list(APPEND XLSTM_INCLUDES_${_folder} ${_other})
        list(APPEND XLSTM_SEES_${_folder} ${_other} ${XLSTM_SEES_${_other}})
      endif()
    endforeach()
    list(REMOVE_DUPLICATES XLSTM_SEES_${_folder})
    list(APPEND XLSTM_FOLDERS ${_folder})
    # An include path for each folder, in which no other is found.
    file(MAKE_DIRECTORY "${CMAKE_BINARY_DIR}/include/${_folder}/xlstm")
    file(CREATE_LINK "${PROJECT_SOURCE_DIR}/xlstm/${_folder}"
         "${CMAKE_BINARY_DIR}/include/${_folder}/xlstm/${_folder}" SYMBOLIC)
  endif()
endforeach()

# xlstm_add_folder(NAME [SOURCES a.cpp ...] [LINK pkg ...] [LINK_PRIVATE pkg ...])
# makes the library xlstm_NAME from one folder of xlstm/; without sources it is one of headers. LINK are
# outside libraries that its headers include, LINK_PRIVATE those that only its sources do.
function(xlstm_add_folder NAME)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK;LINK_PRIVATE" ${ARGN})
  if(ARG_UNPARSED_ARGUMENTS OR NOT NAME IN_LIST XLSTM_FOLDERS)
    message(FATAL_ERROR "xlstm_add_folder(${NAME} ${ARG_UNPARSED_ARGUMENTS}): which folders it uses, "
                        "xlstm/folders.txt says")
  endif()
  set(_paths ${NAME} ${XLSTM_SEES_${NAME}})
  list(TRANSFORM _paths PREPEND "${CMAKE_BINARY_DIR}/include/")
  set(_libraries ${XLSTM_INCLUDES_${NAME}})
  list(TRANSFORM _libraries PREPEND xlstm_)
  if(XLSTM_MLX_${NAME})
    list(APPEND ARG_LINK mlx)
  endif()
  if(ARG_SOURCES)
    add_library(xlstm_${NAME} STATIC ${ARG_SOURCES})
    target_include_directories(xlstm_${NAME} PUBLIC ${_paths})
    target_link_libraries(xlstm_${NAME} PUBLIC ${ARG_LINK} PRIVATE ${_libraries} ${ARG_LINK_PRIVATE})
    if(XLSTM_MLX_${NAME})
      xlstm_precompile(xlstm_${NAME} mlx)
    else()
      xlstm_precompile(xlstm_${NAME} plain)
    endif()
  else()
    add_library(xlstm_${NAME} INTERFACE)
    target_include_directories(xlstm_${NAME} INTERFACE ${_paths})
    target_link_libraries(xlstm_${NAME} INTERFACE ${ARG_LINK} ${_libraries})
  endif()
endfunction()

# xlstm_link(TARGET folder...): a program outside xlstm/ uses these folders, and all that they may
# include; it includes what is in the repository by its path from the root.
function(xlstm_link TARGET)
  set(_libraries)
  foreach(_folder IN LISTS ARGN)
    list(APPEND _libraries ${_folder} ${XLSTM_SEES_${_folder}})
  endforeach()
  list(REMOVE_DUPLICATES _libraries)
  list(TRANSFORM _libraries PREPEND xlstm_)
  target_link_libraries(${TARGET} PRIVATE ${_libraries})
  target_include_directories(${TARGET} PRIVATE "${PROJECT_SOURCE_DIR}")
endfunction()

# xlstm_add_tests(FOLDER FILES a_test.cpp ... [FOLDERS generate ...] [LINK ...])
# makes one GoogleTest program tests_FOLDER from the files of tests/FOLDER, which uses FOLDER, where xlstm/
# has one of that name, what that may include, and FOLDERS. Each of its tests is a CTest test of its own, which finds the test data
# through XLSTM_TEST_DATA.
function(xlstm_add_tests NAME)
  cmake_parse_arguments(ARG "" "" "FILES;FOLDERS;LINK" ${ARGN})
  add_executable(tests_${NAME} ${ARG_FILES})
  if(NAME IN_LIST XLSTM_FOLDERS)
    list(PREPEND ARG_FOLDERS ${NAME})
  endif()
  xlstm_link(tests_${NAME} ${ARG_FOLDERS})
  target_link_libraries(tests_${NAME} PRIVATE ${ARG_LINK} GTest::gtest GTest::gmock GTest::gtest_main)
  # The time to build a test is worth more than the time that it takes.
  set(_optimised $<$<CONFIG:Release>:-O1> $<$<CONFIG:Debug>:-O0>)
  target_compile_options(tests_${NAME} PRIVATE ${_optimised})
  xlstm_precompile(tests_${NAME} tests ${_optimised})
  target_compile_definitions(
    tests_${NAME} PRIVATE XLSTM_SOURCE_DIR="${PROJECT_SOURCE_DIR}"
                          XLSTM_TEST_DATA="${PROJECT_SOURCE_DIR}/tests/data")
  set(_seconds 600)
  if(XLSTM_SANITIZE)
    set(_seconds 1800)
  endif()
  # No test asks the network for a repository whose name it makes up.
  # Values of parameters may hold addresses: a test is named by its index or its own name alone.
  gtest_discover_tests(tests_${NAME} TEST_PREFIX "${NAME}." NO_PRETTY_VALUES DISCOVERY_TIMEOUT 300
                       PROPERTIES LABELS "${NAME}" TIMEOUT ${_seconds} ENVIRONMENT "HF_HUB_OFFLINE=1")
endfunction()
