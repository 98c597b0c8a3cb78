"""Paths of score."""

from fastapi import APIRouter

router = APIRouter(tags=["score"])
