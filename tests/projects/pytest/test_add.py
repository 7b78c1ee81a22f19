import clients


def test_begins_with_what_was_captured():
    assert (clients.count(), clients.count("closed")) == (120, 15)


def test_what_is_written_stays_until_the_end_of_the_file():
    clients.add("NEW-1")
    assert clients.count() == 121


def test_and_is_seen_by_the_next_test():
    clients.add("NEW-2")
    assert clients.count() == 122
