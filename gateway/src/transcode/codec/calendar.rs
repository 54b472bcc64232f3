//! Days and dates. The crates at hand end some hours before the year 9999 does,
//! and ProtoJSON does not.

/// From a day that is the first of an era of 400 years, in March, to 1970.
const DAYS_TO_1970: i64 = 719_468;
const DAYS_OF_ERA: i64 = 146_097;

/// A day of the Gregorian calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Date {
    pub(crate) year: i64,
    pub(crate) month: i64,
    pub(crate) day: i64,
}

// === impl Date ===

impl Date {
    /// The day that is so many days after 1970-01-01. Years begin in March, so
    /// that a leap day is their last (Howard Hinnant, `civil_from_days`).
    pub(crate) fn of_days(days: i64) -> Self {
        let days = days + DAYS_TO_1970;
        let era = days.div_euclid(DAYS_OF_ERA);
        let day = days.rem_euclid(DAYS_OF_ERA);
        let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
        let day = day - (365 * year + year / 4 - year / 100);
        let month = (5 * day + 2) / 153;
        Self {
            year: era * 400 + year + i64::from(month >= 10),
            month: if month < 10 { month + 3 } else { month - 9 },
            day: day - (153 * month + 2) / 5 + 1,
        }
    }

    /// The days from 1970-01-01; none for a day that the calendar does not have.
    pub(crate) fn days(self) -> Option<i64> {
        let Self { year, month, day } = self;
        if !(1..=self.longest()?).contains(&day) {
            return None;
        }
        let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
        let era = year.div_euclid(400);
        let year = year.rem_euclid(400);
        let day_of_year = (153 * month + 2) / 5 + day - 1;
        let days = era * DAYS_OF_ERA + year * 365 + year / 4 - year / 100 + day_of_year;
        Some(days - DAYS_TO_1970)
    }

    /// The last day of its month, if there is such a month.
    fn longest(self) -> Option<i64> {
        let Self { year, month, .. } = self;
        let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        match month {
            2 => Some(28 + i64::from(is_leap)),
            4 | 6 | 9 | 11 => Some(30),
            1..=12 => Some(31),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_dates_are_one_another() {
        for (days, year, month, day) in [
            (0, 1970, 1, 1),
            (-719_162, 1, 1, 1),
            (2_932_896, 9999, 12, 31),
            (19_782, 2024, 2, 29),
            (11_016, 2000, 2, 29),
        ] {
            let date = Date { year, month, day };
            assert_eq!(Date::of_days(days), date);
            assert_eq!(date.days(), Some(days));
        }
        for days in -719_162..=2_932_896 {
            assert_eq!(Date::of_days(days).days(), Some(days));
        }
        for (year, month, day) in
            [(2023, 2, 29), (1900, 2, 29), (2024, 4, 31), (2024, 13, 1), (2024, 0, 1), (2024, 1, 0)]
        {
            assert_eq!(Date { year, month, day }.days(), None);
        }
    }
}
