#include "auth_checks.hpp"
#include "weft/proto/crypto.hpp"
#include "weft/proto/event_types.hpp"

namespace weft::proto {

namespace {

/// One membership change being judged; each method is one numbered list of the specification.
class MemberCheck {
public:
    MemberCheck(const Event& event, const AuthLookup& auth, const PowerLevels& levels,
                const RoomVersion& version, const RuleNumbers& rules)
        : event_{event},
          auth_{auth},
          levels_{levels},
          version_{version},
          rules_{rules},
          sender_{event.sender().str()},
          target_{event.state_key().value_or("")},
          sender_level_{levels.user_level(sender_)},
          sender_membership_{auth.membership(sender_)},
          target_membership_{auth.membership(target_)} {}

    AuthResult run() {
        const auto membership = event_.membership();
        if (!event_.state_key() || !membership) {
            return AuthResult::reject(rule_number(rules_.member, 1), "no state_key or no membership");
        }
        if (*membership == "join") return join();
        if (*membership == "invite") return invite();
        if (*membership == "leave") return leave();
        if (*membership == "ban") return ban();
        if (*membership == "knock" && version_.knocking) return knock();
        const int last = rules_.member_join + (version_.knocking ? 5 : 4);
        return AuthResult::reject(rule_number(rules_.member, last), "membership is unknown");
    }

private:
    template <class... Parts>
    AuthResult reject(int list, std::string reason, Parts... parts) const {
        return AuthResult::reject(rule_number(rules_.member, rules_.member_join + list, parts...),
                                  std::move(reason));
    }

    std::string_view join_rule() const {
        const auto* rules = auth_.find(event_type::kJoinRules);
        return rules ? get_string(rules->content(), "join_rule").value_or("invite") : "invite";
    }

    AuthResult join() const {
        const auto* create = auth_.find(event_type::kCreate);
        if (create && event_.prev_events().size() == 1 &&
            event_.prev_events().front() == create->event_id() && target_ == first_creator(*create)) {
            return AuthResult::allow();
        }
        if (sender_ != target_) return reject(0, "sender is not the joining user", 2);
        if (sender_membership_ == "ban") return reject(0, "sender is banned", 3);

        const auto rule = join_rule();
        const bool was_let_in = target_membership_ == "invite" || target_membership_ == "join";
        const bool by_invitation = rule == "invite" || (version_.knocking && rule == "knock");
        if (by_invitation && was_let_in) return AuthResult::allow();
        const bool restricted = (version_.restricted_joins && rule == "restricted") ||
                                (version_.knock_restricted && rule == "knock_restricted");
        if (restricted) {
            if (was_let_in || authorised_by_a_member()) return AuthResult::allow();
            return reject(0, "nobody who may invite has authorised the join", 5, 2);
        }
        if (rule == "public") return AuthResult::allow();
        return reject(0, "the join rule does not admit the user", version_.restricted_joins ? 7 : 6);
    }

    std::string_view first_creator(const Event& create) const {
        if (version_.implicit_creator) return create.sender().str();
        return get_string(create.content(), "creator").value_or("");
    }

    bool authorised_by_a_member() const {
        const auto user = get_string(event_.content(), "join_authorised_via_users_server");
        return user && auth_.membership(*user) == "join" && levels_.user_level(*user) >= levels_.invite();
    }

    AuthResult invite() const {
        if (const auto* value = find(event_.content(), "third_party_invite"))
            return third_party_invite(*value);
        if (sender_membership_ != "join") return reject(1, "sender is not in the room", 2);
        if (target_membership_ == "join" || target_membership_ == "ban") {
            return reject(1, fmt::format("target is already in state {}", target_membership_), 3);
        }
        if (sender_level_ >= levels_.invite()) return AuthResult::allow();
        return reject(1, "sender's power level does not suffice to invite", 5);
    }

    AuthResult third_party_invite(const json::value& value) const {
        if (target_membership_ == "ban") return reject(1, "target is banned", 1, 1);
        const auto* invite = value.if_object();
        const auto* proof = invite ? get_object(*invite, "signed") : nullptr;
        if (!proof) return reject(1, "third_party_invite has no signed object", 1, 2);
        const auto mxid = get_string(*proof, "mxid");
        const auto token = get_string(*proof, "token");
        if (!mxid || !token) return reject(1, "signed has no mxid or no token", 1, 3);
        if (*mxid != target_) return reject(1, "mxid is not the invited user", 1, 4);
        const auto* announced = auth_.find(event_type::kThirdPartyInvite, *token);
        if (!announced) return reject(1, "there is no m.room.third_party_invite with this token", 1, 5);
        if (announced->sender() != event_.sender()) return reject(1, "invite is of another sender", 1, 6);
        if (is_signed_by_announced_key(*proof, announced->content())) return AuthResult::allow();
        return reject(1, "no signature matches a key of the m.room.third_party_invite", 1, 8);
    }

    static bool is_signed_by_announced_key(const json::object& proof, const json::object& announced) {
        std::vector<std::string> keys;
        const auto add_key = [&keys](const json::object& holder) {
            const auto text = get_string(holder, "public_key");
            if (!text) return;
            // Identity servers send either alphabet.
            auto key = base64_decode(*text);
            if (!key) key = base64_url_decode(*text);
            if (key) keys.push_back(std::move(*key));
        };
        add_key(announced);
        if (const auto* list = get_array(announced, "public_keys")) {
            for (const auto& item : *list) {
                if (const auto* holder = item.if_object()) add_key(*holder);
            }
        }
        const auto* signatures = get_object(proof, "signatures");
        if (!signatures) return false;
        for (const auto& signer : *signatures) {
            const auto* by_key = signer.value().if_object();
            if (!by_key) continue;
            for (const auto& signature : *by_key) {
                for (const auto& key : keys) {
                    if (verify_json(proof, signer.key(), signature.key(), key)) return true;
                }
            }
        }
        return false;
    }

    AuthResult leave() const {
        if (sender_ == target_) {
            const bool may_leave = target_membership_ == "invite" || target_membership_ == "join" ||
                                   (version_.knocking && target_membership_ == "knock");
            if (may_leave) return AuthResult::allow();
            return reject(2, fmt::format("user cannot leave from state {}", target_membership_), 1);
        }
        if (sender_membership_ != "join") return reject(2, "sender is not in the room", 2);
        if (target_membership_ == "ban" && sender_level_ < levels_.ban()) {
            return reject(2, "sender's power level does not suffice to unban", 3);
        }
        if (sender_level_ >= levels_.kick() && levels_.user_level(target_) < sender_level_)
            return AuthResult::allow();
        return reject(2, "sender's power level does not suffice to kick the user", 5);
    }

    AuthResult ban() const {
        if (sender_membership_ != "join") return reject(3, "sender is not in the room", 1);
        if (sender_level_ >= levels_.ban() && levels_.user_level(target_) < sender_level_)
            return AuthResult::allow();
        return reject(3, "sender's power level does not suffice to ban the user", 3);
    }

    AuthResult knock() const {
        const auto rule = join_rule();
        if (rule != "knock" && !(version_.knock_restricted && rule == "knock_restricted")) {
            return reject(4, "the join rule does not admit knocking", 1);
        }
        if (sender_ != target_) return reject(4, "sender is not the knocking user", 2);
        if (sender_membership_ != "ban" && sender_membership_ != "invite" && sender_membership_ != "join") {
            return AuthResult::allow();
        }
        return reject(4, fmt::format("user cannot knock in state {}", sender_membership_), 4);
    }

    const Event& event_;
    const AuthLookup& auth_;
    const PowerLevels& levels_;
    const RoomVersion& version_;
    const RuleNumbers& rules_;
    std::string sender_;
    std::string target_;
    std::int64_t sender_level_;
    std::string_view sender_membership_;
    std::string_view target_membership_;
};

}  // namespace

AuthResult check_member(const Event& event, const AuthLookup& auth, const PowerLevels& levels,
                        const RoomVersion& version, const RuleNumbers& rules) {
    return MemberCheck{event, auth, levels, version, rules}.run();
}

}  // namespace weft::proto
