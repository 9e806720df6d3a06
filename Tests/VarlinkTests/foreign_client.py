#!/usr/bin/env python3
"""Drives a service of org.example.Sample with the varlink package of PyPI.

    foreign_client.py SOCKET

Exits 0 when everything was as it must be, and says what was not.
"""
import sys

import varlink


def main(path):
    client = varlink.Client.new_with_address(f"unix:{path}")
    with client, client.open("org.varlink.service") as service:
        info = service.GetInfo()
        assert info["interfaces"] == ["org.varlink.service", "org.example.Sample"], info
        assert info["product"] == "Sample", info
        text = service.GetInterfaceDescription("org.example.Sample")["description"]
        # Its own parser reads our texts.
        assert "Echo" in varlink.Interface(text).members
        own = service.GetInterfaceDescription("org.varlink.service")["description"]
        assert "GetInfo" in varlink.Interface(own).members
        try:
            service.GetInterfaceDescription("org.example.None")
            raise AssertionError("an unknown interface was described")
        except varlink.InterfaceNotFound as error:
            assert error.parameters()["interface"] == "org.example.None"

    with client.open("org.example.Sample") as sample:
        person = {"name": "Zoë", "age": 2**53 + 1}
        assert sample.Echo(person)["person"] == person
        numbers = [reply["number"] for reply in sample.Count(5, _more=True)]
        assert numbers == [1, 2, 3, 4, 5], numbers
        try:
            sample.Fail("odd")
            raise AssertionError("a failing call succeeded")
        except varlink.VarlinkError as error:
            assert error.error() == "org.example.Sample.Odd", error
            assert error.parameters()["number"] == 7, error
        try:
            sample.Later()
            raise AssertionError("a method that is not implemented answered")
        except varlink.MethodNotImplemented:
            pass
        sample.Note("one way", _oneway=True)
        # The next call on the connection is answered as itself.
        assert sample.WhoAmI()["listener"] == "main"
    print("foreign client: all as it must be")


if __name__ == "__main__":
    main(sys.argv[1])
