"""What an error says of a misspelt name."""

from __future__ import annotations

from benchmark.errors import unknown_name


def test_near_names_are_proposed() -> None:
    assert unknown_name("task", "nih_zeroshot", ["nih_zero_shot", "a"]).remedy == (
        "Did you mean `nih_zero_shot`?"
    )


def test_a_few_names_are_listed_and_of_many_the_nearest() -> None:
    assert unknown_name("task", "xyz", ["b", "a"]).remedy == "Known: a, b."
    many = [f"model_{number:04}" for number in range(1000)]
    remedy = unknown_name("model", "resnet", many).remedy
    assert remedy.startswith("The nearest of 1000: model_")
    assert remedy.count("model_") == 5
