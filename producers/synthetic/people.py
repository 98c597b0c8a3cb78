"""Invented people and employers. Any likeness is chance: names are drawn from two short lists each."""

from random import Random

GIVEN = (
    *("Aarav", "Aditi", "Ananya", "Arjun", "Asha", "Deepa", "Devika", "Farhan", "Gauri", "Harish", "Imran", "Ishita"),
    *("Jaya", "Karan", "Kavya", "Lakshmi", "Manish", "Meera", "Naveen", "Neha", "Nikhil", "Pooja", "Priya", "Rahul"),
    *("Rajesh", "Ravi", "Rohan", "Sameer", "Sanjay", "Shreya", "Sunita", "Tanvi", "Usha", "Varun", "Vikram", "Zoya"),
)
FAMILY = (
    *("Agarwal", "Banerjee", "Bhat", "Chopra", "Das", "Deshmukh", "Dsouza", "Fernandes", "Gill", "Gupta", "Hegde"),
    *("Iyer", "Joshi", "Kapoor", "Khan", "Kulkarni", "Mehta", "Menon", "Mishra", "Nair", "Naidu", "Patel", "Pillai"),
    *("Rao", "Reddy", "Sen", "Shah", "Sharma", "Singh", "Thomas", "Varma", "Verma"),
)
FIRMS = (
    *("Akash", "Banyan", "Chandan", "Dhruva", "Ekam", "Falcon", "Garuda", "Himgiri", "Indus", "Jasmine", "Kaveri"),
    *("Lotus", "Malabar", "Nilgiri", "Orchid", "Peepal", "Saffron", "Tulsi", "Udaan", "Vindhya"),
)
TRADES = (
    "Agro",
    "Components",
    "Foods",
    "Infotech",
    "Logistics",
    "Pharma",
    "Polymers",
    "Retail",
    "Software",
    "Textiles",
)


def person(rng: Random) -> str:
    """A given and a family name."""
    return f"{rng.choice(GIVEN)} {rng.choice(FAMILY)}"


def employer(rng: Random) -> str:
    """A company's name."""
    return f"{rng.choice(FIRMS)} {rng.choice(TRADES)} Pvt Ltd"
