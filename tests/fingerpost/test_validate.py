"""A validator as a real process: codes by mail and by command, recipients who type, resolvers that ask."""

import re
import signal
import time
from pathlib import Path

import pytest

from tests.fingerpost.daemons import Doors, running
from tests.fingerpost.household import RESOLVER, Household
from tests.fingerpost.validators import MAIL, NUMBERS, caller, mail_server, validating, validator
from zonedata import identifiers, keys, trust
from zonedata.judgement import Outcome, judge
from zonedata.kinds import Assurance, Kind
from zonedata.recipient_statements import recipient_of

ALICE = "alice@example.com"
NUMBER = "+14155550123"


def test_from_a_claim_by_mail_to_an_authorized_answer(house: Household) -> None:
    with mail_server() as (mailbox, port):
        validator(house, MAIL.format(port=port))
        with validating() as vera:
            digest = house.sound("recipient", "create", "recipient.pem").split()[1]
            house.sound("recipient", "claim", ALICE, "--validator", vera.url)
            house.sound("recipient", "confirm", mailbox.code())
            house.sound("recipient", "authorise", "alpha.example", "Default")
            print(house.sound("recipient", "show"))
            print(vera.log)
            assert vera.end() == 0
