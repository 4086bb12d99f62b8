#pragma once

#include <compare>
#include <concepts>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "weft/core/result.hpp"

namespace weft::proto {

/// Identifiers of the Matrix specification (appendices, "Identifier Grammar"). An id that went through
/// parse() is proof of validity; trusted() takes values of our own database, where the check was made on the
/// way in. There is no default constructor: an id that may be absent is a std::optional.
inline constexpr std::size_t kIdBytesMax = 255;

namespace detail {

struct IdBase {};

template <class Derived>
class Id : public IdBase {
public:
    static Derived trusted(std::string text) {
        Derived id;
        id.text_ = std::move(text);
        return id;
    }
    const std::string& str() const noexcept { return text_; }
    operator std::string_view() const noexcept { return text_; }  // NOLINT: an id reads like its text

    friend auto operator<=>(const Id& a, const Id& b) { return a.text_ <=> b.text_; }
    friend bool operator==(const Id& a, const Id& b) { return a.text_ == b.text_; }

protected:
    Id() = default;

private:
    std::string text_;
};

}  // namespace detail

template <class T>
concept Identifier = std::derived_from<T, detail::IdBase>;

/// `example.org:8448`: the name of a homeserver.
class ServerName : public detail::Id<ServerName> {
    friend class detail::Id<ServerName>;
    ServerName() = default;

public:
    static core::Result<ServerName> parse(std::string_view text);
    static bool is_valid(std::string_view text);
};

/// `@localpart:server`. parse() accepts the historical grammar (any code point but `:` and NUL, even empty).
class UserId : public detail::Id<UserId> {
    friend class detail::Id<UserId>;
    UserId() = default;

public:
    static core::Result<UserId> parse(std::string_view text);
    static bool is_valid(std::string_view text);
    /// Whether a new account may have this localpart: `a-z0-9._=-/+`, not empty. Length is checked with the
    /// server.
    static bool is_valid_new_localpart(std::string_view localpart);
    std::string_view localpart() const noexcept;
    std::string_view server_name() const noexcept;
};

/// `!opaque:server`, or `!hash` from room version 12 on.
class RoomId : public detail::Id<RoomId> {
    friend class detail::Id<RoomId>;
    RoomId() = default;

public:
    static core::Result<RoomId> parse(std::string_view text);
    std::string_view localpart() const noexcept;
    /// Empty optional for room version 12 and later.
    std::optional<std::string_view> server_name() const noexcept;
};

/// `$opaque:server` in room versions 1 and 2, `$hash` afterwards.
class EventId : public detail::Id<EventId> {
    friend class detail::Id<EventId>;
    EventId() = default;

public:
    static core::Result<EventId> parse(std::string_view text);
    std::optional<std::string_view> server_name() const noexcept;
};

/// `#localpart:server`.
class RoomAlias : public detail::Id<RoomAlias> {
    friend class detail::Id<RoomAlias>;
    RoomAlias() = default;

public:
    static core::Result<RoomAlias> parse(std::string_view text);
    std::string_view localpart() const noexcept;
    std::string_view server_name() const noexcept;
};

/// Opaque name of a user's device; 1 to 255 bytes.
class DeviceId : public detail::Id<DeviceId> {
    friend class detail::Id<DeviceId>;
    DeviceId() = default;

public:
    static core::Result<DeviceId> parse(std::string_view text);
};

/// Which of `shards` writers owns the room: crc32(room id) mod shards, as the proxy computes it. 0 if shards
/// is 0.
std::uint32_t room_shard(const RoomId& room_id, std::uint32_t shards);

}  // namespace weft::proto

template <weft::proto::Identifier T>
struct std::hash<T> {
    std::size_t operator()(const T& id) const noexcept { return std::hash<std::string>{}(id.str()); }
};

template <weft::proto::Identifier T>
struct fmt::formatter<T> : fmt::formatter<std::string_view> {
    template <class Context>
    auto format(const T& id, Context& context) const {
        return fmt::formatter<std::string_view>::format(id.str(), context);
    }
};
