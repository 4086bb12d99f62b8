#include "weft/proto/replication/rows.hpp"

#include "replication/row_reader.hpp"

namespace weft::proto::replication {
namespace {

json::value nullable(const std::optional<std::string>& text) {
    return text ? json::value(*text) : json::value(nullptr);
}

json::array strings(const std::vector<std::string>& texts) {
    json::array out;
    for (const auto& text : texts) out.emplace_back(text);
    return out;
}

template <class Row>
json::array event_fields(const Row& row) {
    return json::array{row.event_id,
                       row.room_id,
                       row.type,
                       nullable(row.state_key),
                       nullable(row.redacts),
                       nullable(row.relates_to)};
}

template <class Row>
core::Result<Row> parse_event_fields(const json::value& row) {
    RowReader in{row, 6};
    Row out{in.string(),          in.string(),          in.string(),
            in.optional_string(), in.optional_string(), in.optional_string()};
    return in.finish(std::move(out));
}

template <class Row>
core::Result<Row> parse_single(const json::value& row) {
    RowReader in{row, 1};
    Row out{in.string()};
    return in.finish(std::move(out));
}

template <class Row>
core::Result<StreamRow> widen(core::Result<Row> row) {
    if (!row) return row.error();
    return StreamRow{std::move(*row)};
}

}  // namespace

json::value EventsEventRow::to_json() const {
    return json::array{"ev", event_fields(*this)};
}

json::value EventsStateRow::to_json() const {
    return json::array{"state", json::array{room_id, type, state_key, nullable(event_id)}};
}

core::Result<EventsRow> parse_events_row(const json::value& row) {
    RowReader outer{row, 2};
    const auto kind = outer.string();
    const auto& data = outer.any();
    if (kind == "ev") {
        auto event = parse_event_fields<EventsEventRow>(data);
        if (!event) return event.error();
        return EventsRow{std::move(*event)};
    }
    if (kind == "state") {
        RowReader in{data, 4};
        EventsStateRow out{in.string(), in.string(), in.string(), in.optional_string()};
        return in.finish(EventsRow{std::move(out)});
    }
    outer.fail("an events row is neither \"ev\" nor \"state\"");
    return outer.finish(EventsRow{});
}

json::value BackfillRow::to_json() const {
    return event_fields(*this);
}
core::Result<BackfillRow> BackfillRow::parse(const json::value& row) {
    return parse_event_fields<BackfillRow>(row);
}

json::value PresenceRow::to_json() const {
    return json::array{user_id,           state,
                       last_active_ts,    last_federation_update_ts,
                       last_user_sync_ts, nullable(status_msg),
                       currently_active};
}
core::Result<PresenceRow> PresenceRow::parse(const json::value& row) {
    RowReader in{row, 7};
    PresenceRow out{in.string(),  in.string(),          in.integer(), in.integer(),
                    in.integer(), in.optional_string(), in.boolean()};
    return in.finish(std::move(out));
}

json::value TypingRow::to_json() const {
    return json::array{room_id, strings(user_ids)};
}
core::Result<TypingRow> TypingRow::parse(const json::value& row) {
    RowReader in{row, 2};
    TypingRow out{in.string(), in.strings()};
    return in.finish(std::move(out));
}

json::value ReceiptsRow::to_json() const {
    return json::array{room_id, receipt_type, user_id, event_id, data};
}
core::Result<ReceiptsRow> ReceiptsRow::parse(const json::value& row) {
    RowReader in{row, 5};
    ReceiptsRow out{in.string(), in.string(), in.string(), in.string(), in.object()};
    return in.finish(std::move(out));
}

json::value PushRulesRow::to_json() const {
    return json::array{user_id};
}
core::Result<PushRulesRow> PushRulesRow::parse(const json::value& row) {
    return parse_single<PushRulesRow>(row);
}

json::value PushersRow::to_json() const {
    return json::array{user_id, app_id, push_key, deleted};
}
core::Result<PushersRow> PushersRow::parse(const json::value& row) {
    RowReader in{row, 4};
    PushersRow out{in.string(), in.string(), in.string(), in.boolean()};
    return in.finish(std::move(out));
}

std::vector<CachesRow> CachesRow::current_state_changed(const std::string& room_id,
                                                        const std::vector<std::string>& members,
                                                        std::int64_t now_ms) {
    std::vector<CachesRow> rows;
    std::size_t at = 0;
    do {
        std::vector<std::string> keys{room_id};
        for (std::size_t i = 0; i < kMembersPerRowMax && at < members.size(); ++i)
            keys.push_back(members[at++]);
        rows.push_back({std::string{kCurrentState}, std::move(keys), now_ms});
    } while (at < members.size());
    return rows;
}

json::value CachesRow::to_json() const {
    return json::array{cache, keys ? json::value(strings(*keys)) : json::value(nullptr), invalidation_ts};
}
core::Result<CachesRow> CachesRow::parse(const json::value& row) {
    RowReader in{row, 3};
    CachesRow out{in.string(), in.optional_strings(), in.integer()};
    if (out.cache == kCurrentState && (!out.keys || out.keys->empty()))
        in.fail("cs_cache_fake names no room");
    return in.finish(std::move(out));
}

json::value PublicRoomsRow::to_json() const {
    return json::array{room_id, visible, nullable(appservice_id), nullable(network_id)};
}
core::Result<PublicRoomsRow> PublicRoomsRow::parse(const json::value& row) {
    RowReader in{row, 4};
    PublicRoomsRow out{in.string(), in.boolean(), in.optional_string(), in.optional_string()};
    return in.finish(std::move(out));
}

json::value DeviceListsRow::to_json() const {
    return json::array{entity};
}
core::Result<DeviceListsRow> DeviceListsRow::parse(const json::value& row) {
    return parse_single<DeviceListsRow>(row);
}

json::value ToDeviceRow::to_json() const {
    return json::array{entity};
}
core::Result<ToDeviceRow> ToDeviceRow::parse(const json::value& row) {
    return parse_single<ToDeviceRow>(row);
}

json::value FederationRow::to_json() const {
    return json::array{type, data};
}
core::Result<FederationRow> FederationRow::parse(const json::value& row) {
    RowReader in{row, 2};
    FederationRow out{in.string(), in.any()};
    return in.finish(std::move(out));
}

json::value TagAccountDataRow::to_json() const {
    return json::array{user_id, room_id, tags_json};
}
core::Result<TagAccountDataRow> TagAccountDataRow::parse(const json::value& row) {
    RowReader in{row, 3};
    TagAccountDataRow out{in.string(), in.string(), in.string()};
    return in.finish(std::move(out));
}

json::value AccountDataRow::to_json() const {
    return json::array{user_id, nullable(room_id), data_type};
}
core::Result<AccountDataRow> AccountDataRow::parse(const json::value& row) {
    RowReader in{row, 3};
    AccountDataRow out{in.string(), in.optional_string(), in.string()};
    return in.finish(std::move(out));
}

json::value GroupsRow::to_json() const {
    return json::array{group_id, user_id, type, content};
}
core::Result<GroupsRow> GroupsRow::parse(const json::value& row) {
    RowReader in{row, 4};
    GroupsRow out{in.string(), in.string(), in.string(), in.object()};
    return in.finish(std::move(out));
}

json::value UserSignatureRow::to_json() const {
    return json::array{user_id};
}
core::Result<UserSignatureRow> UserSignatureRow::parse(const json::value& row) {
    return parse_single<UserSignatureRow>(row);
}

namespace {

template <class Row>
bool try_parse(std::string_view stream, const json::value& row, std::optional<core::Result<StreamRow>>& out) {
    if constexpr (std::is_same_v<Row, EventsEventRow>) {
        if (stream != Row::kStream) return false;
        auto parsed = parse_events_row(row);
        if (!parsed) return out.emplace(parsed.error()), true;
        std::visit([&](auto& event) { out.emplace(StreamRow{std::move(event)}); }, *parsed);
        return true;
    } else if constexpr (std::is_same_v<Row, EventsStateRow>) {
        return false;  // the other kind of events row, seen to above
    } else {
        if (stream != Row::kStream) return false;
        out.emplace(widen(Row::parse(row)));
        return true;
    }
}

template <class... Row>
core::Result<StreamRow> parse_any(std::type_identity<std::variant<Row...>>, std::string_view stream,
                                  const json::value& row) {
    std::optional<core::Result<StreamRow>> out;
    (try_parse<Row>(stream, row, out) || ...);
    if (!out) return core::ParseError{fmt::format("there is no stream {}", stream)};
    return std::move(*out);
}

}  // namespace

core::Result<StreamRow> parse_row(std::string_view stream, const json::value& row) {
    return parse_any(std::type_identity<StreamRow>{}, stream, row);
}

json::value row_to_json(const StreamRow& row) {
    return std::visit([](const auto& r) { return r.to_json(); }, row);
}

}  // namespace weft::proto::replication
