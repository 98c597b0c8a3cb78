"""Paths of health."""

from fastapi import APIRouter

router = APIRouter(tags=["health"])
