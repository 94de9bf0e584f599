per_night = round(vessel["metres"] * rate(vessel["metres"]), 2)
result = {"per_night": per_night, "total": per_night * nights}
