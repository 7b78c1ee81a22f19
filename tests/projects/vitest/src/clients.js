// A small application: it has one database, whose address it reads when it is imported, and a pool of connections.
import pg from "pg";

export const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 4 });

const number = async (sql, ...values) => Number((await pool.query(sql, values)).rows[0].count);

export const count = () => number("SELECT count(*) FROM clients");

export const closed = () => number("SELECT count(*) FROM clients WHERE status = 'closed'");

export const withContact = () => number("SELECT count(*) FROM clients WHERE primary_contact_id IS NOT NULL");

export async function add(code) {
  const { rows } = await pool.query(
    `INSERT INTO clients (code, name, email, street, city, postal_code, created_at)
     VALUES ($1, 'New Client', $2, 'Main Street 1', 'Springfield', '12345', '2025-12-01 08:00:00') RETURNING id`,
    [code, `${code}@example.org`],
  );
  return Number(rows[0].id);
}

// In four transactions at once, each of which commits.
export async function closeAll() {
  await Promise.all([0, 1, 2, 3].map((part) => pool.query("UPDATE clients SET status = 'closed' WHERE id % 4 = $1", [part])));
}

// Every client loses its contact, by the foreign key's ON DELETE SET NULL.
export const forgetContacts = () => pool.query("DELETE FROM client_contacts");
