-- Indexes of Synapse whose every question another one answers: each row that is stored pays for them, and of push actions
-- there is one for everybody in the room.
DROP INDEX IF EXISTS event_push_actions_room_id_user_id;  -- weft_event_push_actions_room begins with it
DROP INDEX IF EXISTS event_push_actions_rm_tokens;        -- the same columns, and nobody asks for the topological order
DROP INDEX IF EXISTS ev_edges_id;                         -- event_edges_event_id_prev_event_id_room_id_is_state_key begins with it
DROP INDEX IF EXISTS ev_extrem_id;                        -- event_forward_extremities_event_id_room_id_key begins with it
