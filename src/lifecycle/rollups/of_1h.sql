toDateTime(intDiv(toUnixTimestamp(time) + 3599, 3600) * 3600, 'UTC')
