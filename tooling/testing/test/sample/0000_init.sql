create table thing (id integer constraint thing_pkey primary key);
