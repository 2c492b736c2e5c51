-- spam.sql: inquiries of the period that were spam. They know no more than where they came from.
select count(*)
from report_spam
where received_at >= @from and received_at < @to and received_at <= @as_of
	and (@channel = '' or channel = @channel)
	and (@connection = '' or connection = @connection)
	and @funnel || @owner || @team || @source || @product || @city = '' and @only_owner = 0
