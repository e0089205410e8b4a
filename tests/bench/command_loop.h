// Programs that measure what they are told to, line by line.

#ifndef WEIGHTINIT_TESTS_BENCH_COMMAND_LOOP_H_
#define WEIGHTINIT_TESTS_BENCH_COMMAND_LOOP_H_

#include <exception>
#include <iostream>
#include <string>
#include <utility>

#include "nlohmann/json.hpp"

namespace weightinit::bench {

// Reads a command, a JSON object, from each line of standard input, and answers
// it by a line on standard output: what measurements.CarryOut returns, or
// {"error": ...}.
template <typename Measurements>
void AnswerCommands(Measurements& measurements) {
  const auto answer = [&](const std::string& line) -> nlohmann::json {
    // A command that lacks a field, or has one of another type, throws.
    try {
      auto result = measurements.CarryOut(nlohmann::json::parse(line));
      if (result.ok()) return *std::move(result);
      return {{"error", result.status().ToString()}};
    } catch (const std::exception& error) {
      return {{"error", error.what()}};
    }
  };
  for (std::string line; std::getline(std::cin, line);) {
    std::cout << answer(line).dump() << "\n" << std::flush;
  }
}

}  // namespace weightinit::bench

#endif  // WEIGHTINIT_TESTS_BENCH_COMMAND_LOOP_H_
