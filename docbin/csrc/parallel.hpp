// Several threads for one piece of work.
#pragma once
#include <algorithm>
#include <exception>
#include <system_error>
#include <thread>
#include <vector>

namespace docbin {

// Calls each(0), ..., each(parts - 1) at once, each(0) on the caller's thread; where no more threads are to be had, one after another. What one of them
// throws is thrown when all have ended (of several, the first part's).
template <class Each> void in_parallel(int parts, Each each) {
    parts = std::max(parts, 1);
    std::vector<std::exception_ptr> failures(parts);
    const auto one = [&](int part) {
        try {
            each(part);
        } catch (...) {
            failures[part] = std::current_exception();
        }
    };
    std::vector<std::thread> others;
    others.reserve(parts);
    for (int part = 1; part < parts; ++part) {
        try {
            others.emplace_back(one, part);
        } catch (const std::system_error &) {
            one(part);
        }
    }
    one(0);
    for (std::thread &thread : others) thread.join();
    for (const std::exception_ptr &failure : failures)
        if (failure) std::rethrow_exception(failure);
}

}  // namespace docbin
