#include "weft/proto/filter.hpp"

namespace weft::proto {

namespace {

/// Reads members of one object and keeps the first failure, so that the parsers below read straight down.
class Reader {
public:
    Reader(const json::object& object, std::string path, std::string& failure)
        : object_{object}, path_{std::move(path)}, failure_{failure} {}

    bool read(std::string_view key, bool& out) {
        const auto* value = find(object_, key);
        if (!value) return false;
        if (!value->is_bool()) return fail(key, "a boolean");
        out = value->get_bool();
        return true;
    }

    void read(std::string_view key, std::optional<bool>& out) {
        bool flag = false;
        if (read(key, flag)) out = flag;
    }

    void read(std::string_view key, std::optional<std::int64_t>& out) {
        const auto* value = find(object_, key);
        if (!value) return;
        const auto number = as_int(*value);
        if (!number || *number < 0) {
            fail(key, "a natural number");
        } else {
            out = *number;
        }
    }

    /// `sigil`: what each entry must start with, or NUL.
    void read(std::string_view key, std::optional<std::vector<std::string>>& out, char sigil = '\0') {
        const auto* value = find(object_, key);
        if (!value) return;
        const auto* list = value->if_array();
        if (!list) {
            fail(key, "a list of strings");
            return;
        }
        std::vector<std::string> names;
        for (const auto& item : *list) {
            const auto* text = item.if_string();
            if (!text || (sigil != '\0' && !std::string_view{*text}.starts_with(sigil))) {
                fail(key, sigil == '@'   ? "a list of user ids"
                          : sigil == '!' ? "a list of room ids"
                                         : "a list of strings");
                return;
            }
            names.emplace_back(*text);
        }
        out = std::move(names);
    }

    void read(std::string_view key, std::vector<std::string>& out, char sigil = '\0') {
        std::optional<std::vector<std::string>> names;
        read(key, names, sigil);
        if (names) out = std::move(*names);
    }

    /// Another Reader for the object under `key`, if there is one.
    std::optional<Reader> enter(std::string_view key) {
        const auto* value = find(object_, key);
        if (!value) return std::nullopt;
        const auto* inner = value->if_object();
        if (!inner) {
            fail(key, "an object");
            return std::nullopt;
        }
        return Reader{*inner, path_ + std::string{key} + ".", failure_};
    }

    bool fail(std::string_view key, std::string_view expected) {
        if (failure_.empty()) failure_ = fmt::format("filter: {}{} must be {}", path_, key, expected);
        return false;
    }

    const json::object& object() const { return object_; }

private:
    const json::object& object_;
    std::string path_;
    std::string& failure_;
};

void read_event_filter(Reader in, EventFilter& out) {
    in.read("limit", out.limit);
    in.read("types", out.types);
    in.read("not_types", out.not_types);
    in.read("senders", out.senders, '@');
    in.read("not_senders", out.not_senders, '@');
    in.read("rooms", out.rooms, '!');
    in.read("not_rooms", out.not_rooms, '!');
    in.read("contains_url", out.contains_url);
    in.read("lazy_load_members", out.lazy_load_members);
    in.read("include_redundant_members", out.include_redundant_members);
    in.read("unread_thread_notifications", out.unread_thread_notifications);
}

void read_event_filter(Reader& parent, std::string_view key, EventFilter& out) {
    if (auto in = parent.enter(key)) read_event_filter(std::move(*in), out);
}

void read_event_format(Reader& in, EventFormatWanted& out) {
    const auto* value = find(in.object(), "event_format");
    if (!value) return;
    const auto text = get_string(in.object(), "event_format");
    if (text == "federation") {
        out = EventFormatWanted::kFederation;
    } else if (text != "client") {
        in.fail("event_format", "\"client\" or \"federation\"");
    }
}

}  // namespace

core::Result<EventFilter> EventFilter::parse(const json::object& object) {
    EventFilter out;
    std::string failure;
    read_event_filter(Reader{object, "", failure}, out);
    if (!failure.empty()) return core::ParseError{std::move(failure)};
    return out;
}

core::Result<EventFilter> EventFilter::parse(std::string_view text) {
    const auto object = parse_json_object(text);
    if (!object) return object.error();
    return parse(*object);
}

core::Result<FilterDefinition> FilterDefinition::parse(const json::object& object) {
    FilterDefinition out;
    std::string failure;
    Reader in{object, "", failure};
    if (auto room = in.enter("room")) {
        read_event_filter(*room, "timeline", out.room.timeline);
        read_event_filter(*room, "state", out.room.state);
        read_event_filter(*room, "ephemeral", out.room.ephemeral);
        read_event_filter(*room, "account_data", out.room.account_data);
        room->read("rooms", out.room.rooms, '!');
        room->read("not_rooms", out.room.not_rooms, '!');
        room->read("include_leave", out.room.include_leave);
    }
    read_event_filter(in, "presence", out.presence);
    read_event_filter(in, "account_data", out.account_data);
    in.read("event_fields", out.event_fields);
    read_event_format(in, out.event_format);
    if (!failure.empty()) return core::ParseError{std::move(failure)};
    return out;
}

core::Result<FilterDefinition> FilterDefinition::parse(std::string_view text) {
    const auto object = parse_json_object(text);
    if (!object) return object.error();
    return parse(*object);
}

}  // namespace weft::proto
