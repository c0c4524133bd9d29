toDateTime(intDiv(toUnixTimestamp64Milli(timestamp) + 299999, 300000) * 300, 'UTC')
