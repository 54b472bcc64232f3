-- auth.migrations.spent_tickets
CREATE TABLE spent_tickets (
    ticket_id  uuid NOT NULL,
    expires_at timestamptz NOT NULL,

    CONSTRAINT spent_tickets_pkey PRIMARY KEY (ticket_id)
);
CREATE INDEX spent_tickets_expires_at_idx ON spent_tickets (expires_at);
COMMENT ON TABLE spent_tickets IS 'A row is a sealed ticket that was used and must not be used again.';
COMMENT ON COLUMN spent_tickets.ticket_id IS 'The id inside the ticket.';
COMMENT ON COLUMN spent_tickets.expires_at IS 'When the ticket ends by itself and the row is not needed any more.';
