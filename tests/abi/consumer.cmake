# SPDX-License-Identifier: MIT
# CMakeLists.txt of the consumer that tests/abi/install.sh builds.
cmake_minimum_required(VERSION 3.25)
project(consumer LANGUAGES C)
find_package(berth ${WANTED_VERSION} REQUIRED CONFIG)
add_executable(with_shared consumer.c)
target_link_libraries(with_shared PRIVATE berth::berth)
add_executable(with_static consumer.c)
target_link_libraries(with_static PRIVATE berth::berth_static)
