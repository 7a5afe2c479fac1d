import { type Draw, drawFrom, withCheckDigit } from './draw';

const FIRST = [
  ...['Ada', 'Amir', 'Beatriz', 'Chen', 'Daria', 'Elif', 'Femi', 'Grace', 'Hiro', 'Ines', 'Jonas', 'Kavya', 'Lena', 'Mateo', 'Nadia'],
  ...[
    'Oskar',
    'Priya',
    'Quinn',
    'Rosa',
    'Samuel',
    'Tomás',
    'Uma',
    'Viktor',
    'Wanjiru',
    'Ximena',
    'Yusuf',
    'Zoë',
    'Anaïs',
    'Björn',
    'Łucja',
  ],
] as [string, ...string[]];
const LAST = [
  ...['Abe', 'Becker', 'Costa', 'Dubois', 'Eriksen', 'Fischer', 'García', 'Haddad', 'Ibrahim', 'Jensen', 'Kowalski', 'Larsen', 'Moreau'],
  ...['Nguyen', 'Okafor', 'Patel', 'Quiroga', 'Rossi', 'Sato', 'Tanaka', 'Ueda', 'Varga', 'Weber', 'Xu', 'Yilmaz', "O'Brien", 'Müller'],
] as [string, ...string[]];
const PLACES = [
  ...([
    ['Lisbon', 'PT'],
    ['Osaka', 'JP'],
    ['Nairobi', 'KE'],
    ['Austin', 'US'],
    ['Kraków', 'PL'],
    ['Lyon', 'FR'],
  ] as const),
  ...([
    ['Pune', 'IN'],
    ['Malmö', 'SE'],
    ['Bogotá', 'CO'],
    ['Leeds', 'GB'],
    ['Portland', 'US'],
    ['Zürich', 'CH'],
  ] as const),
] as [readonly [string, string], ...(readonly [string, string])[]];
const NOTES = [
  'Prefers to be called in the afternoon.',
  'Asked twice about the warranty.',
  'Wholesale customer, 30 days net.',
  'Leave parcels with the neighbour on the left.',
  'Moved recently; check the address before shipping.',
] as [string, ...string[]];
const THINGS = ['Kettle', 'Lamp', 'Backpack', 'Desk', 'Headphones', 'Notebook', 'Bicycle bell', 'Teapot', 'Blanket', 'Camera strap'];
const MAKES = ['Alder', 'Basalt', 'Cobalt', 'Dune'];
const COLOURS = ['black', 'white', 'sage', 'rust', 'indigo'] as [string, ...string[]];
const DEPARTMENTS = ['Support', 'Warehouse', 'Finance', 'Engineering', 'Marketing'] as [string, ...string[]];
const STATUSES = ['placed', 'paid', 'shipped', 'delivered', 'delivered', 'delivered', 'returned', 'cancelled'] as [string, ...string[]];

export type Row = Record<string, string | number | object | null>;

/** Every row of the demo shop, by table, in an order that foreign keys allow. Deterministic. Nobody in it exists. */
export function demoRows(): [table: string, rows: Row[]][] {
  const draw = drawFrom(20_260_101);
  const customers = Array.from({ length: 500 }, (_, i) => customer(draw, i + 1));
  const cards = customers.flatMap(({ id }) => Array.from({ length: draw.int(0, 2) }, () => card(draw, Number(id))));
  const products = MAKES.flatMap((make) => THINGS.map((thing) => product(draw, `${make} ${thing}`))).map((row, i) => ({
    id: i + 1,
    ...row,
  }));
  const orders = Array.from({ length: 3_000 }, (_, i) => order(draw, i + 1, customers.length));
  const items = orders.flatMap((row) => Array.from({ length: draw.int(1, 4) }, (_, i) => item(draw, row, i + 1, products)));
  const employees = Array.from({ length: 40 }, (_, i) => employee(draw, i + 1));
  return [
    ['customers', customers],
    ['cards', cards.map((row, i) => ({ id: i + 1, ...row }))],
    ['products', products],
    ['orders', orders],
    ['order_items', items],
    ['employees', employees],
  ];
}

function person(draw: Draw, id: number, domain: string): { name: string; email: string } {
  const [first, last] = [draw.pick(FIRST), draw.pick(LAST)];
  const plain = `${first}.${last}`
    .normalize('NFD')
    .replace(/[^a-zA-Z.]/g, '')
    .toLowerCase();
  return { name: `${first} ${last}`, email: `${plain}.${id}@${domain}` };
}

/** The shape of a United States social security number: area 001–665, group and serial not zero. */
function ssn(draw: Draw): string {
  return [
    [665, 3],
    [99, 2],
    [9999, 4],
  ]
    .map(([high, width]) => String(draw.int(1, high ?? 1)).padStart(width ?? 0, '0'))
    .join('-');
}

/** 555-0100 to 555-0199 are set aside for fiction. */
function phone(draw: Draw): string {
  return `+1-${draw.int(201, 989)}-555-01${draw.digits(2)}`;
}

function customer(draw: Draw, id: number): Row {
  const [city, country] = draw.pick(PLACES);
  const note = draw.oneIn(3) ? draw.pick(NOTES) : draw.oneIn(12) ? `Second number ${phone(draw)}.` : null;
  return {
    id,
    ...person(draw, id, draw.pick(['example.com', 'example.org', 'example.net'])),
    ssn: ssn(draw),
    phone: phone(draw),
    city,
    country,
    date_of_birth: draw.instant('1945-01-01', '2006-12-31').slice(0, 10),
    notes: note,
    created_at: draw.instant('2023-01-01', '2024-09-30'),
  };
}

function card(draw: Draw, customerId: number): Row {
  const [brand, prefix, length] = draw.pick([
    ['visa', '4', 16],
    ['mastercard', '55', 16],
    ['amex', '37', 15],
  ] as [[string, string, number], ...[string, string, number][]]);
  return {
    customer_id: customerId,
    card_number: withCheckDigit(prefix + draw.digits(length - 1 - prefix.length)),
    brand,
    expires: `20${draw.int(27, 31)}-${String(draw.int(1, 12)).padStart(2, '0')}-01`,
  };
}

function product(draw: Draw, name: string): Row {
  const attributes = { colour: draw.pick(COLOURS), weight_g: draw.int(80, 9_000), tags: draw.oneIn(2) ? ['new'] : [] };
  return { name, price: draw.int(500, 25_000) / 100, stock: draw.int(0, 400), attributes };
}

function order(draw: Draw, id: number, customers: number): Row {
  const placedAt = draw.instant('2024-10-01', '2026-10-31');
  return { id, customer_id: draw.int(1, customers), status: draw.pick(STATUSES), placed_at: placedAt };
}

function item(draw: Draw, of: Row, line: number, products: Row[]): Row {
  const bought = products[draw.int(0, products.length - 1)];
  return {
    order_id: of.id ?? null,
    order_placed_at: of.placed_at ?? null,
    line,
    product_id: bought?.id ?? null,
    quantity: draw.int(1, 5),
    unit_price: bought?.price ?? null,
  };
}

function employee(draw: Draw, id: number): Row {
  const manages = id <= 5;
  return {
    id,
    ...person(draw, id, 'shop.example'),
    title: id === 1 ? 'Managing director' : manages ? 'Team lead' : draw.pick(['Clerk', 'Specialist', 'Analyst']),
    department: draw.pick(DEPARTMENTS),
    ssn: ssn(draw),
    salary: draw.int(manages ? 70_000 : 31_000, manages ? 140_000 : 82_000),
    manager_id: id === 1 ? null : manages ? 1 : draw.int(2, 5),
    hired_on: draw.instant('2015-01-01', '2025-06-30').slice(0, 10),
  };
}
