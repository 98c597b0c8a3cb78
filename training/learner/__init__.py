"""Boosted trees and an additive logistic model, mixed and calibrated; every choice is made on rows a model may see."""
