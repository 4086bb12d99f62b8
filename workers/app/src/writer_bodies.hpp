#pragma once

#include <string>
#include <vector>

#include <boost/json/value.hpp>

#include "weft/handlers/user_data/receipts.hpp"
#include "weft/proto/replication/commands.hpp"
#include "weft/storage/pusher_store.hpp"

/// Bodies of the calls by which a process asks the writer of a stream for a write: what one end says, the
/// other reads. What cannot be understood is a MatrixError M_BAD_JSON or M_INVALID_PARAM.
namespace weft::workers {

/// `weft_add_device_changes`: what happened to devices of a user, and which servers are to be told.
struct DeviceChanges {
    std::string user_id;
    std::vector<std::string> devices;
    std::vector<std::string> hosts;

    boost::json::value to_json() const;
    static DeviceChanges parse(const boost::json::value& body);
    bool operator==(const DeviceChanges&) const = default;
};

/// `weft_add_user_signatures`: `signer` has signed keys of these users.
struct UserSignatures {
    std::string signer;
    std::vector<std::string> users;

    boost::json::value to_json() const;
    static UserSignatures parse(const boost::json::value& body);
    bool operator==(const UserSignatures&) const = default;
};

/// `weft_remove_pushers`.
struct PusherKeys {
    std::vector<storage::PusherKey> keys;

    boost::json::value to_json() const;
    static PusherKeys parse(const boost::json::value& body);
    bool operator==(const PusherKeys&) const = default;
};

/// `weft_set_read_positions`.
struct ReadPositions {
    std::string user_id;
    std::string room_id;
    std::vector<handlers::ReadPosition> positions;

    boost::json::value to_json() const;
    static ReadPositions parse(const boost::json::value& body);
    bool operator==(const ReadPositions&) const = default;
};

/// `weft_remove_pusher`: the command as its sender wrote it.
boost::json::value to_json(const proto::replication::RemovePusher& command);
proto::replication::RemovePusher parse_remove_pusher(const boost::json::value& body);

/// `weft_federation_ack`.
boost::json::value to_json(const proto::replication::FederationAck& command);
proto::replication::FederationAck parse_federation_ack(const boost::json::value& body);

}  // namespace weft::workers
