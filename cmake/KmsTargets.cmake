# Warnings and hardening as targets, and the two functions that declare a folder of sources.

add_library(kms_warnings INTERFACE)
target_compile_options(kms_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wnon-virtual-dtor -Wold-style-cast
  -Wcast-align -Woverloaded-virtual -Wdouble-promotion -Wformat=2 -Wextra-semi -Wundef
  $<$<CXX_COMPILER_ID:GNU>:-Wduplicated-cond -Wduplicated-branches -Wlogical-op -Wsuggest-override
    -Wno-missing-field-initializers>
  $<$<CXX_COMPILER_ID:Clang>:-Wthread-safety -Wunreachable-code -Wno-missing-field-initializers>
  $<$<BOOL:${KMS_WERROR}>:-Werror>)

add_library(kms_hardening INTERFACE)
if(NOT KMS_SANITIZE)
  target_compile_options(kms_hardening INTERFACE
    -fstack-protector-strong -fstack-clash-protection -fcf-protection
    $<$<NOT:$<CONFIG:Debug>>:-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2>)
endif()
target_compile_definitions(kms_hardening INTERFACE _GLIBCXX_ASSERTIONS)
target_link_options(kms_hardening INTERFACE -Wl,-z,relro,-z,now)

# kms_library(FOLDER [PUBLIC lib...] [PRIVATE lib...]): a static library of the folder's sources, named after
# the folder with '_' for '/'. An INTERFACE library as long as the folder holds headers only.
function(kms_library folder)
  cmake_parse_arguments(arg "" "" "PUBLIC;PRIVATE" ${ARGN})
  string(REPLACE "/" "_" name ${folder})
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${folder}/*.cpp)
  file(GLOB headers CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${folder}/*.h)
  if(NOT sources)
    add_library(${name} INTERFACE)
    target_include_directories(${name} INTERFACE ${PROJECT_SOURCE_DIR})
    target_link_libraries(${name} INTERFACE ${arg_PUBLIC})
    return()
  endif()
  add_library(${name} STATIC ${sources} ${headers})
  target_include_directories(${name} PUBLIC ${PROJECT_SOURCE_DIR})
  target_link_libraries(${name} PUBLIC ${arg_PUBLIC} PRIVATE ${arg_PRIVATE} kms_warnings kms_hardening)
endfunction()

# kms_test(FOLDER LINK lib... [TIMEOUT seconds] [SERIAL]): one GoogleTest program of tests/FOLDER/*_test.cpp, one CTest
# entry, which tells of what fails only. SERIAL: its deadlines are such that nothing else is to run beside it.
function(kms_test folder)
  cmake_parse_arguments(arg "SERIAL" "TIMEOUT" "LINK" ${ARGN})
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 300)
  endif()
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/${folder}/*.cpp)
  if(NOT sources)
    return()
  endif()
  string(REPLACE "/" "_" name ${folder})
  set(name ${name}_test)
  add_executable(${name} ${sources})
  target_link_libraries(${name} PRIVATE ${arg_LINK} test_support kms_warnings kms_hardening
                        GTest::gmock GTest::gtest GTest::gtest_main)
  add_test(NAME ${folder} COMMAND ${name})
  set_tests_properties(${folder} PROPERTIES TIMEOUT ${arg_TIMEOUT} RUN_SERIAL ${arg_SERIAL} ENVIRONMENT GTEST_BRIEF=1)
endfunction()
