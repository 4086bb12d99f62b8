#include "weft/proto/replication/rows.hpp"

#include "replication/row_reader.hpp"

namespace weft::proto::replication {
namespace {

/// The fields of an object by name, as an array: RowReader then says which one is wrong.
json::value fields_of(const json::value& data, std::initializer_list<const char*> names) {
    json::array fields;
    const auto* object = data.if_object();
    if (object == nullptr) return nullptr;
    for (const auto* name : names) {
        const auto* field = object->if_contains(name);
        fields.push_back(field == nullptr ? json::value(nullptr) : *field);
    }
    return fields;
}

json::array strings(const std::vector<std::string>& texts) {
    json::array out;
    for (const auto& text : texts) out.emplace_back(text);
    return out;
}

json::object presence_object(const PresenceRow& state) {
    return {{"user_id", state.user_id},
            {"state", state.state},
            {"last_active_ts", state.last_active_ts},
            {"last_federation_update_ts", state.last_federation_update_ts},
            {"last_user_sync_ts", state.last_user_sync_ts},
            {"status_msg", state.status_msg ? json::value(*state.status_msg) : json::value(nullptr)},
            {"currently_active", state.currently_active}};
}

core::Result<PresenceRow> parse_presence_object(const json::value& data) {
    return PresenceRow::parse(
        fields_of(data, {"user_id", "state", "last_active_ts", "last_federation_update_ts",
                         "last_user_sync_ts", "status_msg", "currently_active"}));
}

json::object edu_object(const FederationEdu& edu) {
    return {{"edu_type", edu.edu_type},
            {"content", edu.content},
            {"origin", edu.origin},
            {"destination", edu.destination}};
}

template <class Item>
core::Result<FederationItem> widen(core::Result<Item> item) {
    if (!item) return item.error();
    return FederationItem{std::move(*item)};
}

}  // namespace

FederationRow FederationPresence::to_row() const {
    return {std::string{kType}, presence_object(state)};
}
core::Result<FederationPresence> FederationPresence::parse(const json::value& data) {
    auto state = parse_presence_object(data);
    if (!state) return state.error();
    return FederationPresence{std::move(*state)};
}

FederationRow FederationPresenceTo::to_row() const {
    return {std::string{kType}, json::object{{"state", presence_object(state)}, {"dests", strings(hosts)}}};
}
core::Result<FederationPresenceTo> FederationPresenceTo::parse(const json::value& data) {
    const auto fields = fields_of(data, {"state", "dests"});
    RowReader in{fields, 2};
    auto state = parse_presence_object(in.any());
    FederationPresenceTo out{{}, in.strings()};
    if (auto finished = in.finish(true); !finished) return finished.error();
    if (!state) return state.error();
    out.state = std::move(*state);
    return out;
}

FederationRow FederationEdu::to_row() const {
    return {std::string{kType}, edu_object(*this)};
}
core::Result<FederationEdu> FederationEdu::parse(const json::value& data) {
    const auto fields = fields_of(data, {"edu_type", "content", "origin", "destination"});
    RowReader in{fields, 4};
    FederationEdu out{in.string(), in.object(), in.string(), in.string()};
    return in.finish(std::move(out));
}

FederationRow FederationKeyedEdu::to_row() const {
    return {std::string{kType}, json::object{{"key", strings(key)}, {"edu", edu_object(edu)}}};
}
core::Result<FederationKeyedEdu> FederationKeyedEdu::parse(const json::value& data) {
    const auto fields = fields_of(data, {"key", "edu"});
    RowReader in{fields, 2};
    FederationKeyedEdu out{in.strings(), {}};
    auto edu = FederationEdu::parse(in.any());
    if (auto finished = in.finish(true); !finished) return finished.error();
    if (!edu) return edu.error();
    out.edu = std::move(*edu);
    return out;
}

core::Result<FederationItem> parse_federation_item(const FederationRow& row) {
    if (row.type == FederationPresence::kType) return widen(FederationPresence::parse(row.data));
    if (row.type == FederationPresenceTo::kType) return widen(FederationPresenceTo::parse(row.data));
    if (row.type == FederationKeyedEdu::kType) return widen(FederationKeyedEdu::parse(row.data));
    if (row.type == FederationEdu::kType) return widen(FederationEdu::parse(row.data));
    return core::ParseError{"there is no federation row of type " + row.type};
}

}  // namespace weft::proto::replication
