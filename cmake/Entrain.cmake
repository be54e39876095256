# One line per room: entrain_library(NAME … HDRS … SRCS … DEPS … PRIVATE_DEPS …), one line per test folder: entrain_test(…).
#
# A quoted include must name a header of the library itself or of a library in its DEPS or PRIVATE_DEPS. Every library and test is checked
# against that before it is compiled (cmake/check_includes.cmake); a forbidden arrow fails the build.
include_guard()
include(GoogleTest)

define_property(TARGET PROPERTY ENTRAIN_HEADERS BRIEF_DOCS "Headers of a room, as they are written in an include line")

# Which angle-bracket headers need which third-party target. Everything that is not named here may be included anywhere.
set(ENTRAIN_WALLS
  "^(ATen|torch|c10)/=LibTorch::cpu" "^grpcpp/|^grpc/=gRPC::grpc++" "^sqlite3\\.h=SQLite::SQLite3" "^prometheus/=prometheus-cpp::core"
  "^httplib\\.h=entrain_httplib" "^yaml-cpp/=yaml-cpp" "^google/protobuf/=protobuf::libprotobuf" "^openssl/=OpenSSL::Crypto"
  "^CLI/=CLI11::CLI11" "^pcre2\\.h=entrain_pcre2" "^utf8proc\\.h=entrain_utf8proc" "^(cuda|nccl)=CUDA::cudart"
  "^(arb|acb|arf|acf|mag)[a-z_]*\\.h=entrain_arb" "^flint/=entrain_arb"
  CACHE INTERNAL "")

# Collects what `target` may include, as a list of header names and third-party targets.
function(_entrain_allowed out)
  set(allowed "")
  foreach(dep IN LISTS ARGN)
    if(TARGET ${dep})
      get_target_property(headers ${dep} ENTRAIN_HEADERS)
      if(headers)
        list(APPEND allowed ${headers})
      endif()
    endif()
    list(APPEND allowed "target:${dep}")
  endforeach()
  set(${out} "${allowed}" PARENT_SCOPE)
endfunction()

# Called once, at the end of the root file, when every room is known: writes each target's list and hangs the check on it.
function(entrain_check_arrows)
  get_property(targets GLOBAL PROPERTY ENTRAIN_TARGETS)
  foreach(target IN LISTS targets)
    get_property(deps GLOBAL PROPERTY ENTRAIN_DEPS_${target})
    get_property(sources GLOBAL PROPERTY ENTRAIN_SOURCES_${target})
    list(TRANSFORM deps REPLACE "^entrain::" "entrain_")
    _entrain_allowed(allowed ${target} ${deps})
    foreach(source IN LISTS sources)  # headers among a target's own sources are private to it
      if(source MATCHES "\\.h$")
        cmake_path(RELATIVE_PATH source BASE_DIRECTORY "${PROJECT_SOURCE_DIR}" OUTPUT_VARIABLE header)
        list(APPEND allowed "${header}")
      endif()
    endforeach()
    set(list_file "${CMAKE_BINARY_DIR}/arrows/${target}.allowed")
    list(JOIN allowed "\n" text)
    file(CONFIGURE OUTPUT "${list_file}" CONTENT "${text}\n" @ONLY)
    list(JOIN ENTRAIN_WALLS "|;|" walls)
    list(JOIN sources "\n" source_text)
    file(CONFIGURE OUTPUT "${CMAKE_BINARY_DIR}/arrows/${target}.sources" CONTENT "${source_text}\n" @ONLY)
    list(JOIN ENTRAIN_WALLS "\n" wall_text)
    file(CONFIGURE OUTPUT "${CMAKE_BINARY_DIR}/arrows/walls" CONTENT "${wall_text}\n" @ONLY)
    add_custom_command(OUTPUT "${CMAKE_BINARY_DIR}/arrows/${target}.ok"
      COMMAND ${CMAKE_COMMAND} -DTARGET=${target} -DDIR=${CMAKE_BINARY_DIR}/arrows -DROOT=${PROJECT_SOURCE_DIR}
              -P ${PROJECT_SOURCE_DIR}/cmake/check_includes.cmake
      DEPENDS ${sources} "${list_file}" "${CMAKE_BINARY_DIR}/arrows/walls" "${PROJECT_SOURCE_DIR}/cmake/check_includes.cmake"
      COMMENT "Arrows of ${target}" VERBATIM)
    add_custom_target(${target}_arrows DEPENDS "${CMAKE_BINARY_DIR}/arrows/${target}.ok")
    add_dependencies(${target} ${target}_arrows)
    list(APPEND all_arrows ${target}_arrows)
  endforeach()
  add_custom_target(arrows DEPENDS ${all_arrows})
endfunction()

function(_entrain_register target)
  cmake_parse_arguments(A "" "" "SOURCES;DEPS" ${ARGN})
  set(sources "")
  foreach(source IN LISTS A_SOURCES)
    cmake_path(ABSOLUTE_PATH source BASE_DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}")
    list(APPEND sources "${source}")
  endforeach()
  set_property(GLOBAL APPEND PROPERTY ENTRAIN_TARGETS ${target})
  set_property(GLOBAL PROPERTY ENTRAIN_DEPS_${target} "${A_DEPS}")
  set_property(GLOBAL PROPERTY ENTRAIN_SOURCES_${target} "${sources}")
endfunction()

function(_entrain_options target scope)
  target_compile_features(${target} ${scope} cxx_std_20)
  if(NOT scope STREQUAL INTERFACE)
    target_compile_options(${target} PRIVATE -Wall -Wextra -Wshadow -Wno-missing-field-initializers)
    if(CMAKE_CXX_COMPILER_ID MATCHES Clang)
      target_compile_options(${target} PRIVATE -Wthread-safety -Werror=thread-safety)
    endif()
  endif()
endfunction()

# A room. NAME common makes the target entrain_common, alias entrain::common. Without SRCS it is an interface: headers only.
function(entrain_library)
  cmake_parse_arguments(L "" "NAME" "HDRS;SRCS;DEPS;PRIVATE_DEPS" ${ARGN})
  set(target entrain_${L_NAME})
  if(L_SRCS)
    add_library(${target} STATIC ${L_SRCS})
    set(scope PUBLIC)
    target_link_libraries(${target} PUBLIC ${L_DEPS} PRIVATE ${L_PRIVATE_DEPS})
  else()
    add_library(${target} INTERFACE)
    set(scope INTERFACE)
    target_link_libraries(${target} INTERFACE ${L_DEPS})
  endif()
  add_library(entrain::${L_NAME} ALIAS ${target})
  _entrain_options(${target} ${scope})
  if(L_HDRS)
    target_sources(${target} ${scope} FILE_SET HEADERS BASE_DIRS ${PROJECT_SOURCE_DIR} FILES ${L_HDRS})
  else()
    target_include_directories(${target} ${scope} ${PROJECT_SOURCE_DIR})
  endif()
  set(names "")
  foreach(header IN LISTS L_HDRS)
    cmake_path(ABSOLUTE_PATH header BASE_DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}")
    cmake_path(RELATIVE_PATH header BASE_DIRECTORY "${PROJECT_SOURCE_DIR}")
    list(APPEND names "${header}")
  endforeach()
  set_target_properties(${target} PROPERTIES ENTRAIN_HEADERS "${names}")
  _entrain_register(${target} SOURCES ${L_HDRS} ${L_SRCS} DEPS ${L_DEPS} ${L_PRIVATE_DEPS})
endfunction()

# A program in build/<preset>/bin. NAME entrain-learner SRCS … DEPS …
function(entrain_binary)
  cmake_parse_arguments(B "" "NAME" "SRCS;DEPS" ${ARGN})
  add_executable(${B_NAME} ${B_SRCS})
  target_link_libraries(${B_NAME} PRIVATE ${B_DEPS})
  target_include_directories(${B_NAME} PRIVATE ${PROJECT_SOURCE_DIR})
  set_target_properties(${B_NAME} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")
  _entrain_options(${B_NAME} PRIVATE)
  _entrain_register(${B_NAME} SOURCES ${B_SRCS} DEPS ${B_DEPS})
endfunction()

# A test program of everything that SRCS holds. LABELS: one or more of unit, integration, sim, e2e, gpu, slow.
function(entrain_test)
  cmake_parse_arguments(T "" "NAME" "SRCS;DEPS;LABELS" ${ARGN})
  if(NOT BUILD_TESTING OR NOT T_SRCS)
    return()
  endif()
  add_executable(${T_NAME} ${T_SRCS})
  target_link_libraries(${T_NAME} PRIVATE ${T_DEPS} GTest::gmock GTest::gtest_main)
  target_include_directories(${T_NAME} PRIVATE ${PROJECT_SOURCE_DIR})
  target_compile_definitions(${T_NAME} PRIVATE ENTRAIN_SOURCE_DIR="${PROJECT_SOURCE_DIR}" ENTRAIN_BINARY_DIR="${CMAKE_BINARY_DIR}")
  _entrain_options(${T_NAME} PRIVATE)
  gtest_discover_tests(${T_NAME} DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 60 PROPERTIES LABELS "${T_LABELS}" TIMEOUT 300)
  _entrain_register(${T_NAME} SOURCES ${T_SRCS} DEPS ${T_DEPS})
  if(NOT TARGET test_programs)
    add_custom_target(test_programs COMMENT "Every C++ test, without the programs that only end-to-end tests start")
  endif()
  add_dependencies(test_programs ${T_NAME})
endfunction()

# Tests in Python that drive the built programs: one CTest test for each `def test_` of a *_test.py file of this folder, so that a new one
# cannot be forgotten. entrain_python_tests(LABEL TIMEOUT_IN_SECONDS)
function(entrain_python_tests label timeout)
  file(GLOB files CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/*_test.py")
  foreach(file IN LISTS files)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${file}")
    cmake_path(GET file STEM module)
    file(STRINGS "${file}" lines REGEX "^(class|    def test_)")
    foreach(line IN LISTS lines)
      if(line MATCHES "^class ([A-Za-z0-9]+)")
        set(class "${CMAKE_MATCH_1}")
      elseif(line MATCHES "def (test_[a-z0-9_]+)")
        set(name "${CMAKE_MATCH_1}")
        add_test(NAME ${label}.${class}.${name} COMMAND /usr/bin/python3 -m unittest ${module}.${class}.${name}
                 WORKING_DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}")
        set_tests_properties(${label}.${class}.${name} PROPERTIES LABELS ${label} TIMEOUT ${timeout} SKIP_REGULAR_EXPRESSION "OK \\(skipped=1\\)"
          ENVIRONMENT "ENTRAIN_BIN=${CMAKE_BINARY_DIR}/bin;PYTHONDONTWRITEBYTECODE=1;PYTHONPATH=${PROJECT_SOURCE_DIR}/tests/e2e")
      endif()
    endforeach()
  endforeach()
endfunction()
