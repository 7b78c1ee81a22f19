import clients


def test_begins_with_what_was_captured():
    assert (clients.count(), clients.count("closed")) == (120, 15)


def test_every_client_is_closed():
    clients.close_all()
    clients.add("NEW-1")  # the other files add it too: were the database shared, its code would be taken
    assert (clients.count(), clients.count("closed")) == (121, 120)
