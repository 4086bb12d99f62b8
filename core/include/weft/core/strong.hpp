#pragma once

#include <compare>
#include <functional>
#include <string>
#include <utility>

#include <fmt/format.h>

namespace weft::core {

/// A value with a meaning of its own, so that two strings or integers in a row cannot be swapped.
template <class Tag, class T>
class Strong {
public:
    using value_type = T;
    constexpr explicit Strong(T value) : value_{std::move(value)} {}
    constexpr const T& get() const noexcept { return value_; }
    friend auto operator<=>(const Strong&, const Strong&) = default;
    friend bool operator==(const Strong&, const Strong&) = default;

private:
    T value_;
};

/// Name of a process in the cluster, as in configuration: `master`, `synchrotron1`.
using InstanceName = Strong<struct InstanceNameTag, std::string>;

}  // namespace weft::core

template <class Tag, class T>
struct std::hash<weft::core::Strong<Tag, T>> {
    std::size_t operator()(const weft::core::Strong<Tag, T>& value) const noexcept {
        return std::hash<T>{}(value.get());
    }
};

template <class Tag, class T>
struct fmt::formatter<weft::core::Strong<Tag, T>> : fmt::formatter<T> {
    template <class Context>
    auto format(const weft::core::Strong<Tag, T>& value, Context& context) const {
        return fmt::formatter<T>::format(value.get(), context);
    }
};
