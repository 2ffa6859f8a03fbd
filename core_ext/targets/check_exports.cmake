# Fails unless each object in OBJECTS, <target>_<family>, defines exactly one global symbol, labkit_kernels_<target>_<family>.
# AddressSanitizer's marker of that very symbol (__odr_asan.* of GCC, __odr_asan_gen_* of clang) does not count.
execute_process(COMMAND ${NM} -A -P -g ${OBJECTS} OUTPUT_VARIABLE symbols RESULT_VARIABLE failed)
if(failed)
  message(FATAL_ERROR "nm could not read ${OBJECTS}")
endif()
string(REPLACE "\n" ";" lines "${symbols}")
foreach(line IN LISTS lines)  # "path: symbol type ...", type U or w for what is not defined here
  if(line MATCHES "([^/]+): ([^ ]+) [A-TV-Zu]( |$)")
    get_filename_component(unit ${CMAKE_MATCH_1} NAME_WE)
    string(REGEX REPLACE "^_labkit" "labkit" symbol "${CMAKE_MATCH_2}")
    if(NOT symbol MATCHES "^_+odr_asan(\\.|_gen_)_?labkit_kernels_${unit}$")
      list(APPEND exports_of_${unit} ${symbol})
    endif()
  endif()
endforeach()
foreach(object IN LISTS OBJECTS)
  get_filename_component(unit ${object} NAME_WE)
  if(NOT "${exports_of_${unit}}" STREQUAL "labkit_kernels_${unit}")
    message(FATAL_ERROR "${object} must export labkit_kernels_${unit} and nothing else. It exports: ${exports_of_${unit}}. "
                        "Put shared code into the unnamed namespace, so that it cannot be linked into other targets.")
  endif()
endforeach()
file(TOUCH ${STAMP})
