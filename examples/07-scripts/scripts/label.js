var result = vessel.name + ": " + price.total.toFixed(2) + " " + currency;
